"""What an operator types: one module per noun, each offering functions that take the words after the command's name."""
