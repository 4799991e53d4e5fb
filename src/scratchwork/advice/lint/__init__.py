"""Finding the mistakes that Python source makes with temporary files."""
