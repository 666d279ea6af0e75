"""The same run on a Ray cluster: one driver takes photographs from the ledger and writes what the machines found.

Only the driver touches the store, so that machines need neither its database nor its folder; the ledger is the
checkpoint. What runs on the machines is in ``on_machines``.
"""

from fundus_core.cluster.connection import LOCAL, connected
from fundus_core.cluster.driver import Driver, work_off
