"""What many contributors at once do to the service, and whether it stays within its promises."""
