"""The commands of operators: what they are asked, and how they answer."""
