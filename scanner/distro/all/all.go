// Package all lists the distributions that are supported.
package all

import (
	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/distro/alma"
	"github.com/example/microscanner-frontend/scanner/distro/alpine"
	"github.com/example/microscanner-frontend/scanner/distro/amazon"
	"github.com/example/microscanner-frontend/scanner/distro/azurelinux"
	"github.com/example/microscanner-frontend/scanner/distro/centos"
	"github.com/example/microscanner-frontend/scanner/distro/chainguard"
	"github.com/example/microscanner-frontend/scanner/distro/debian"
	"github.com/example/microscanner-frontend/scanner/distro/oracle"
	"github.com/example/microscanner-frontend/scanner/distro/rhel"
	"github.com/example/microscanner-frontend/scanner/distro/rocky"
	"github.com/example/microscanner-frontend/scanner/distro/suse"
	"github.com/example/microscanner-frontend/scanner/distro/ubuntu"
	"github.com/example/microscanner-frontend/scanner/distro/wolfi"
)

// List returns the supported distributions, in the order of their ids.
func List() []distro.Distro {
	return []distro.Distro{
		alma.Distro(),
		alpine.Distro(),
		amazon.Distro(),
		azurelinux.Distro(),
		centos.Distro(),
		chainguard.Distro(),
		debian.Distro(),
		oracle.Distro(),
		rhel.Distro(),
		rocky.Distro(),
		suse.Distro(),
		ubuntu.Distro(),
		wolfi.Distro(),
	}
}
