"""What has happened: asked for, sent on its way, refused."""
