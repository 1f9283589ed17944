-- A call of a function, as wrk sends it.
wrk.method = "POST"
wrk.body = '{"pattern": "none:*"}'
wrk.headers["Content-Type"] = "application/json"
