"""A process that draws phantoms for another: see :mod:`core.data.phantom.many`."""

from core.data.phantom.many import serve

if __name__ == "__main__":
    serve()
