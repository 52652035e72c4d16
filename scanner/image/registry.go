package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	service "github.com/example/microscanner-frontend/scanner/remote"
)

// registry has the blobs of a repository.
type registry struct {
	repository name.Repository
	puller     *remote.Puller
	top        *remote.Descriptor // what the name stands for
}

// openRegistry finds an image by its name: on a mirror, or in its own registry if
// no mirror has it.
func openRegistry(ctx context.Context, text string, o Options) (*Source, error) {
	ref, err := o.parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is neither a file nor the name of an image, such as registry.example.com/app:1.2", text)
	}
	puller, err := o.puller()
	if err != nil {
		return nil, err
	}
	mirrors, err := o.mirrors(ref)
	if err != nil {
		return nil, err
	}
	for _, mirror := range mirrors {
		s, err := find(ctx, puller, mirror, text)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		o.notice(fmt.Sprintf("the mirror does not have it, so its own registry is asked: %v", err))
	}
	return find(ctx, puller, ref, text)
}

func find(ctx context.Context, puller *remote.Puller, ref name.Reference, text string) (*Source, error) {
	r := &registry{repository: ref.Context(), puller: puller}
	top, err := puller.Get(ctx, ref)
	if err != nil {
		return nil, r.explain(err)
	}
	r.top = top
	return &Source{blobs: r, reference: text, root: top.Descriptor, close: func() error { return nil }}, nil
}

func (o Options) notice(text string) {
	if o.Notice != nil {
		o.Notice(text)
	}
}

// parse reads the name of an image.
func (o Options) parse(text string) (name.Reference, error) {
	ref, err := name.ParseReference(text)
	if err == nil && slices.Contains(o.PlainHTTP, ref.Context().RegistryStr()) {
		return name.ParseReference(text, name.Insecure)
	}
	return ref, err
}

// mirrors gives the image the names that it has on the mirrors of its registry.
func (o Options) mirrors(ref name.Reference) ([]name.Reference, error) {
	var list []name.Reference
	for _, m := range o.Mirrors {
		of, place, ok := strings.Cut(m, "=")
		if !ok {
			of, place = name.DefaultRegistry, m
		}
		registry, err := name.NewRegistry(of)
		if err != nil || place == "" {
			return nil, fmt.Errorf("the mirror %q is not of the form HOST or REGISTRY=HOST", m)
		}
		if registry.Name() != ref.Context().RegistryStr() {
			continue
		}
		separator := ":"
		if _, ok := ref.(name.Digest); ok {
			separator = "@"
		}
		there, err := o.parse(strings.TrimSuffix(place, "/") + "/" + ref.Context().RepositoryStr() + separator + ref.Identifier())
		if err != nil {
			return nil, fmt.Errorf("the mirror %q is not of the form HOST or REGISTRY=HOST", m)
		}
		list = append(list, there)
	}
	return list, nil
}

func (o Options) puller() (*remote.Puller, error) {
	config, err := service.TLS(o.CAFile)
	if err != nil {
		return nil, err
	}
	t, ok := remote.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the transport of the registry's client is not one of HTTP")
	}
	t = t.Clone()
	t.TLSClientConfig = config
	keychain := o.Keychain
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	return remote.NewPuller(remote.WithTransport(t), remote.WithAuthFromKeychain(keychain), remote.WithUserAgent("microscanner"))
}

func (r *registry) blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	l, err := r.puller.Layer(ctx, r.repository.Digest(d.Digest.String()))
	if err != nil {
		return nil, err
	}
	return l.Compressed()
}

func (r *registry) manifest(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	found := r.top
	if d.Digest != r.top.Digest {
		var err error
		if found, err = r.puller.Get(ctx, r.repository.Digest(d.Digest.String())); err != nil {
			return nil, err
		}
	}
	if len(found.Manifest) > maxJSON {
		return nil, tooLarge()
	}
	return found.Manifest, nil
}

// verifies is true: the client of registries compares digests.
func (r *registry) verifies() bool { return true }

// explain says what to do about what a registry answered.
func (r *registry) explain(err error) error {
	host := r.repository.RegistryStr()
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%s does not allow to read %s: log in with \"docker login %s\": %w", host, r.repository.RepositoryStr(), host, err)
		case http.StatusNotFound:
			return fmt.Errorf("%s has no such image: %w", host, err)
		case http.StatusTooManyRequests:
			return fmt.Errorf("%s takes no more requests for now: log in with \"docker login %s\", or wait: %w", host, host, err)
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the certificate of %s is not trusted: give its CA with --ca-file: %w", host, err)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("the certificate of %s is not trusted: give its CA with --ca-file: %w", host, err)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%s talks HTTP without TLS: allow that with --plain-http %s: %w", host, host, err)
	}
	return fmt.Errorf("%s: %w", host, err)
}
