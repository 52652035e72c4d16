// Package all lists the distributions that are supported.
package all

import (
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/alpine"
	"github.com/example/microscanner-frontend/scanner/distro/debian"
)

// List returns the supported distributions, in the order of their ids.
func List() []distro.Distro {
	return []distro.Distro{
		alpine.Distro(),
		debian.Distro(),
	}
}
