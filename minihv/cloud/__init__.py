"""A small cloud. So far: one service in each of the forms that a cloud sells."""
