"""An object storage that speaks S3, on this machine's loopback: `python object_storage.py CERTIFICATE KEY`.

Not moto's own server: that ends connections without TLS's own end, which pgBackRest takes for an error.
"""

import sys

from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

if __name__ == "__main__":
    server = Server(("127.0.0.1", 9000), DomainDispatcherApplication(create_backend_app), timeout=300)
    server.ssl_adapter = BuiltinSSLAdapter(*sys.argv[1:])
    server.start()
