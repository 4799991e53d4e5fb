"""Extended attributes, among them the ACLs, of an open file: read and written as a whole."""
