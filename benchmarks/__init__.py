"""Speed, memory and correctness at length; never part of the tests."""
