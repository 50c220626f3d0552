"""Starting and watching what the dashboard runs on: database, queue, web server, workers."""
