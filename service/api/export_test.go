package api

// Routes lists the methods and paths that are answered, as "GET /healthz".
func Routes() []string {
	var out []string
	for _, r := range new(API).routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// CheckShape is for tests.
func CheckShape(text []byte) error { return checkShape(text) }
