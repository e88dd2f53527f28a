-- For compose.yaml: the account of the examples, with the rights Debezium's manual asks for.
CREATE USER 'debezium'@'%' IDENTIFIED BY 'dbz';
GRANT SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT, LOCK TABLES, PROCESS ON *.* TO 'debezium'@'%';
