package debian

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const targets = `http://mirror.test/debian/ bookworm main
http://mirror.test/debian/ bookworm contrib
http://mirror.test/debian/ bookworm-updates main
http://security.test/ bookworm-security main
http://other.test/ trixie main
http://mirror.test/debian/ bookworm main
`

func TestSelectSources(t *testing.T) {
	const signed = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
	main := signed + "http://mirror.test/debian/ bookworm main"
	updates := signed + "http://security.test/ bookworm-security main"

	got, err := selectSources(targets, false)
	require.NoError(t, err)
	assert.Equal(t, []string{main}, got, "no security updates, each source once")

	got, err = selectSources(targets, true)
	require.NoError(t, err)
	assert.Equal(t, []string{main, updates}, got)

	_, err = selectSources("http://mirror.test/debian/ bookworm main\n", true)
	assert.ErrorContains(t, err, "bookworm-security")
}
