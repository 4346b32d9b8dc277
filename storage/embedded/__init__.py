"""PostgreSQL and SeaweedFS started from wheels: a newcomer needs no server, no container and no package manager.

The code that stores recordings does not know whether its engines are these or a company's own: it reads the same
environment variables either way. One module per noun: `directory` (where everything lies, and who may enter),
`sockets`, `process` (an engine that never outlives us), `certificate`, `postgres`, `seaweedfs`, `errors`.
"""
