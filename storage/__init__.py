"""PostgreSQL rows and S3 objects: one module per noun, its SQL beside the function that runs it."""
