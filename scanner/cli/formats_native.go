//go:build scanonly

package cli

import reportformats "github.com/example/microscanner-frontend/scanner/report/formats"

// formatList is the formats of the program of the frontend's image. The others
// are made of its JSON outside the cage, where no untrusted rootfs is, and their
// libraries would cost every scan a part of its start.
func formatList() []reportformats.Format { return reportformats.Native() }
