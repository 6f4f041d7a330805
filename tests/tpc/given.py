"""How the suites speak to the warehouse that ./test started for them."""

import os

import redshift_connector


def connect(database):
    connection = redshift_connector.connect(
        host="127.0.0.1",
        port=int(os.environ["LONGWAVE_TEST_PORT"]),
        database=database,
        user="awsuser",
        password=os.environ["LONGWAVE_ADMIN_PASSWORD"],
        ssl=False,
    )
    connection.autocommit = True
    return connection
