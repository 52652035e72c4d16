package policy

// Suppression says that a vulnerability does not count, and who decided so. It
// is an entry of an ignore list, or a statement of a VEX document about one
// vulnerability.
type Suppression struct {
	By  string   `json:"by"`  // report.SuppressedByIgnore or SuppressedByVEX
	IDs []string `json:"ids"` // the vulnerability's id and its aliases
	// Package is the name of the source package or of one of its binaries;
	// empty for all packages. PURLs are package URLs of packages or source
	// packages, where only what they state must be equal; empty for all.
	Package string   `json:"package,omitempty"`
	PURLs   []string `json:"purls,omitempty"`
	Reason  string   `json:"reason"`
	// Expires is the first day on which the entry does not hold any more,
	// YYYY-MM-DD in UTC; empty for never.
	Expires string `json:"expires,omitempty"`
	// Status and Justification are those of a VEX statement.
	Status        string `json:"status,omitempty"`
	Justification string `json:"justification,omitempty"`
	Source        string `json:"source,omitempty"` // the file, and the line if known
	Author        string `json:"author,omitempty"`
}
