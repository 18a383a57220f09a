"""What a rewind takes back in the table `findings`: what was seen and mended in history that is gone."""
