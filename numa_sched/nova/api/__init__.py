"""What nova-api loads: wishes that clash never become a server."""
