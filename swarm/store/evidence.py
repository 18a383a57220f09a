"""What a receipt holds of one wave, read over the tables that a wave fills."""
