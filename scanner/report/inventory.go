package report

// ListsAllPackages reports whether the report is an inventory: one that lists
// packages without vulnerabilities too, or has no packages at all. A scan lists
// them if it is told to.
func (r *Report) ListsAllPackages() bool {
	for i := range r.Resources {
		if len(r.Resources[i].Vulnerabilities) == 0 {
			return true
		}
	}
	return r.Assessment.NoPackages
}
