"""A process that revokes a client key: `python -m tests.proxy.ledger.revoker URL NAME`."""

import sys

from proxy.ledger.keys import ClientKeys
from proxy.ledger.ledger import open_database

if __name__ == "__main__":
    database = open_database(sys.argv[1])
    ClientKeys(database).revoke(sys.argv[2])
    database.close()
