"""Images: a store of layers, filled from tars, OCI layouts and busybox."""

from minihv.containers.images.store import Image as Image
from minihv.containers.images.store import Store as Store
from minihv.errors import ContainerError as ContainerError
