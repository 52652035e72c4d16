package debian

// codename is a release as the security tracker names it.
type codename struct{ name, release string }

// codenames lists all releases, in the words and numbers of the package
// distro-info-data (https://debian.pages.debian.net/distro-info-data/debian.csv).
// Testing has its coming number; unstable has none.
func codenames() []codename {
	return []codename{
		{"buzz", "1.1"}, {"rex", "1.2"}, {"bo", "1.3"}, {"hamm", "2.0"},
		{"slink", "2.1"}, {"potato", "2.2"}, {"woody", "3.0"}, {"sarge", "3.1"},
		{"etch", "4"}, {"lenny", "5"}, {"squeeze", "6"}, {"wheezy", "7"},
		{"jessie", "8"}, {"stretch", "9"}, {"buster", "10"}, {"bullseye", "11"},
		{"bookworm", "12"}, {"trixie", "13"}, {"forky", "14"}, {"duke", "15"},
		{"sid", releaseSid},
	}
}
