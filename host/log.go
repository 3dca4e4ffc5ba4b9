package host

// LoggerKey is the attribute of a log line that names its logger, by which /admin/loggers governs it: the Java class
// that does the same in Kafka Connect, or the class of the plugin whose line it is. Lines with the attribute
// "connector" belong to ConnectorLogger, too.
const LoggerKey = "logger"

// ConnectorLogger is the logger of all lines about a connector and its tasks, those of its plugins included.
func ConnectorLogger(connector string) string { return "berth.connector." + connector }
