package feed

// The feeds of what holds for a vulnerability everywhere.
const (
	NameNVD      = "nvd"
	NameKEV      = "kev"
	NameEPSS     = "epss"
	NameSeverity = "severity"
)

// General lists the feeds that are no distribution's.
func General() []Feed {
	return []Feed{
		{Name: NameNVD, URL: "https://nvd.nist.gov/feeds/json/cve/2.0/", Facts: NVD},
		{Name: NameKEV, URL: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json", Facts: KEV},
		{Name: NameEPSS, URL: "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz", Facts: EPSS},
		{Name: NameSeverity, Facts: Severities},
	}
}
