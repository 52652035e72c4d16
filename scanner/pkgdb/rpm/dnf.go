package rpm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// histories are the places of what dnf remembers of its transactions: dnf 4 and
// microdnf, and dnf 5.
func histories() []string {
	return []string{"var/lib/dnf/history.sqlite", "usr/lib/sysimage/libdnf5/transaction_history.sqlite"}
}

// ReadsOfRepositories lists the files that Repositories opens.
func ReadsOfRepositories() []string {
	var list []string
	for _, path := range histories() {
		list = append(list, path, path+logSuffix)
	}
	return list
}

// Repositories lists the ids of the repositories that the packages came from, as
// the histories of dnf have it: sorted, each once. A package that a history does
// not have, or has from a file, came from none. A history that cannot be read is
// an error.
func Repositories(fsys fs.FS, packages []inventory.Package) ([]string, error) {
	installed := make(map[nevra]bool, len(packages))
	for _, p := range packages {
		installed[nevra{p.Name, p.Version, p.Arch}] = true
	}
	var ids []string
	budget := pkgdb.NewCollector()
	_, err := pkgdb.EachFile(fsys, histories(), budget, func(f *rootfs.File, path string) error {
		h, err := openHistory(fsys, f, path, budget)
		if err == nil {
			var more []string
			more, err = h.repositories(installed)
			ids = append(ids, more...)
		}
		if err != nil {
			return fmt.Errorf("the history of dnf %s cannot be read: %w", path, err)
		}
		return nil
	})
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// nevra is a package as Add of pkgdb.Collector tells packages apart.
type nevra struct{ name, version, arch string }

// history is a database of dnf. Its tables are in libdnf's
// libdnf/transaction/sql/create_tables.sql, and in dnf 5's
// libdnf5/transaction/db/sql/create_tables.sql, which keeps names and
// architectures in tables of their own. Columns that came later are the last.
type history struct {
	main   *rootfs.Section
	log    *io.SectionReader
	inward []uint64 // values of trans_item.action after which the package is installed

	// Texts of the tables pkg_name and arch. Without them, they are in the row.
	names, arches map[uint64]string
}

// openHistory tells the two apart by the tables that only one has.
func openHistory(fsys fs.FS, f *rootfs.File, path string, budget *pkgdb.Collector) (h *history, err error) {
	h = &history{inward: []uint64{1, 2, 4, 6, 9}} // installed, downgraded, obsoleting, upgraded, installed again
	if h.main, err = f.Section(); err != nil {
		return nil, err
	}
	h.log = io.NewSectionReader(nil, 0, 0)
	// The log is small, and stays open only as long as it is copied.
	_, err = pkgdb.EachFile(fsys, []string{path + logSuffix}, budget, func(f *rootfs.File, _ string) error {
		text, err := io.ReadAll(f)
		h.log = io.NewSectionReader(strings.NewReader(string(text)), 0, int64(len(text)))
		return err
	})
	if err != nil {
		return nil, err
	}
	names, err := h.texts("pkg_name")
	if errors.Is(err, noTable("pkg_name")) {
		return h, nil
	}
	if err != nil {
		return nil, err
	}
	h.inward = []uint64{1, 2, 3, 4} // installed, upgraded, downgraded, installed again
	h.names = names
	h.arches, err = h.texts("arch")
	return h, err
}

// repositories are those that installed packages came from.
func (h *history) repositories(installed map[nevra]bool) ([]string, error) {
	items := map[uint64]bool{}
	err := h.rows("rpm", func(_ uint64, c [6]column) { // item_id, name, epoch, version, release, arch
		p := nevra{h.text(h.names, c[1]), string(c[3].data) + "-" + string(c[4].data), h.text(h.arches, c[5])}
		if epoch := c[2].number(); epoch != 0 {
			p.version = fmt.Sprintf("%d:%s", epoch, p.version)
		}
		if installed[p] {
			items[c[0].number()] = true
		}
	})
	if err != nil {
		return nil, err
	}
	latest := map[uint64]uint64{}                            // item to repository; the rows are in the order of time
	err = h.rows("trans_item", func(_ uint64, c [6]column) { // id, trans_id, item_id, repo_id, action
		if item := c[2].number(); items[item] && slices.Contains(h.inward, c[4].number()) {
			latest[item] = c[3].number()
		}
	})
	if err != nil {
		return nil, err
	}
	names, err := h.texts("repo")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, repo := range latest {
		// "@System" and "@commandline" are what dnf calls the image, and files.
		if id := names[repo]; id != "" && !strings.HasPrefix(id, "@") {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// text is a column's text, or that of another table that it has the number of.
func (h *history) text(table map[uint64]string, c column) string {
	if table != nil {
		return table[c.number()]
	}
	return string(c.data)
}

// texts is a table of texts by their number.
func (h *history) texts(table string) (map[uint64]string, error) {
	out := map[uint64]string{}
	err := h.rows(table, func(id uint64, c [6]column) { out[id] = string(c[1].data) })
	return out, err
}

// rows visits the rows of a table. Each reading of a table begins anew, as pages
// can be had once.
func (h *history) rows(table string, visit func(id uint64, columns [6]column)) error {
	s, err := newSQLite(h.main, io.NewSectionReader(h.log, 0, h.log.Size()))
	switch {
	case err != nil:
		return err
	case s == nil:
		return damage("it is empty")
	case s.inLog != "":
		return s.inLog
	case s.statedPages() > s.count:
		return damage("the end of the file is missing")
	}
	root, err := s.table(table)
	if err != nil {
		return err
	}
	for row, err := range s.rows(root) {
		if err != nil {
			return err
		}
		columns, err := sqliteColumns(row)
		if err != nil {
			return err
		}
		visit(s.id, columns)
	}
	return nil
}
