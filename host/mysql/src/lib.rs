//! MySQL and MariaDB to change records
