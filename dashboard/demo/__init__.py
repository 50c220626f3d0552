"""A small, plainly invented set of books to look around in. The same day always gives the same books."""
