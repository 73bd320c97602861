"""What stories say to people: pure, a file per workflow that has much to say."""
