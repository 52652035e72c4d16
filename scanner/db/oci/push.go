// Package oci moves an advisory database to and from a registry, as an ordinary
// OCI image that a builder can mount: its files are at the root of the image.
package oci

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/example/microscanner-frontend/scanner/db"
)

// Options say how to talk to a registry. The zero value has HTTPS, except for
// a registry on this machine.
type Options struct {
	// PlainHTTP talks HTTP to a registry that has no HTTPS.
	PlainHTTP bool
	// Keychain has the credentials; nil for that of docker login.
	Keychain authn.Keychain
	// Transport makes the requests; nil for the default.
	Transport http.RoundTripper
}

// Pushed says what an image that was pushed is like.
type Pushed struct {
	Reference string // with the digest of the image
	Layers    int
	Bytes     int64 // of all layers, compressed
	Meta      db.Meta
}

// Push verifies the database in dir and uploads it as the image ref, a tag. The
// layers that the registry has already are not uploaded again.
func Push(ctx context.Context, dir, ref string, o Options) (pushed Pushed, err error) {
	tag, err := name.NewTag(ref, o.names()...)
	if err != nil {
		return Pushed{}, fmt.Errorf("%q is not the name and tag of an image, such as registry.example.com/microscanner-db:latest", ref)
	}
	database, err := db.Open(dir)
	if err != nil {
		return Pushed{}, err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if err := database.Verify(); err != nil {
		return Pushed{}, err
	}
	scratch, err := os.MkdirTemp("", "microscanner-push-")
	if err != nil {
		return Pushed{}, fmt.Errorf("pack the database: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	image, err := newImage(scratch, dir, database.Meta())
	if err != nil {
		return Pushed{}, fmt.Errorf("pack the database: %w", err)
	}
	if err := remote.Write(tag, image, o.remote(ctx)...); err != nil {
		return Pushed{}, explain("push "+ref, tag.RegistryStr(), err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		return Pushed{}, fmt.Errorf("pack the database: %w", err)
	}
	digest, err := image.Digest()
	if err != nil {
		return Pushed{}, fmt.Errorf("pack the database: %w", err)
	}
	pushed = Pushed{Reference: tag.Context().Digest(digest.String()).String(), Layers: len(manifest.Layers), Meta: database.Meta()}
	for _, l := range manifest.Layers {
		pushed.Bytes += l.Size
	}
	return pushed, nil
}

func (o Options) names() []name.Option {
	if o.PlainHTTP {
		return []name.Option{name.Insecure}
	}
	return nil
}

func (o Options) remote(ctx context.Context) []remote.Option {
	keychain := o.Keychain
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	options := []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain), remote.WithUserAgent("microscanner"),
	}
	if o.Transport != nil {
		options = append(options, remote.WithTransport(o.Transport))
	}
	return options
}

// explain says what to do about what a registry answered.
func explain(doing, registry string, err error) error {
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%s: %s does not allow it: log in with \"docker login %s\": %w", doing, registry, registry, err)
		case http.StatusNotFound:
			return fmt.Errorf("%s: %s has no such image: %w", doing, registry, err)
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
