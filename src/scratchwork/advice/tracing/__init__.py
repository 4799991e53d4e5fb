"""What a program makes in temp space, and where in its code: recording it inside, and reading that afterwards."""
