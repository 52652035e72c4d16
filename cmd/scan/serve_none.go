//go:build scanonly

package main

import "github.com/example/microscanner-frontend/scanner/cli"

// commands is empty in the program of the frontend's image: nobody serves there.
func commands() []cli.Command { return nil }
