"""Recovery of a failed wave: resume, redrive, revalidate."""
