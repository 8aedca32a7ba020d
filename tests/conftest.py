"""What all tests share: hypothesis draws the same examples every time, so that a red test is red for everybody."""

from hypothesis import settings

settings.register_profile("tinyocpp", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("tinyocpp")
