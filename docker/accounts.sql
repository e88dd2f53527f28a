-- Accounts of the test servers, native and Docker alike: one statement a line, each repeatable.
-- root has no password and is reachable from this machine only; debezium/dbz has the rights
-- Debezium's manual asks for. Kept out of the binlog so that tests start with an empty one.
SET SESSION sql_log_bin = 0;
CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS 'debezium'@'%' IDENTIFIED BY 'dbz';
GRANT SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT, LOCK TABLES, PROCESS ON *.* TO 'debezium'@'%';
