package csaf

// maxDepth is how deep the branches of a product tree may nest. Real ones have
// four levels.
const maxDepth = 64

// Products lists the products of the tree that no relationship makes, in the
// order of the document.
func (t *ProductTree) Products(each func(*Product)) {
	for i := range t.FullProductNames {
		each(&t.FullProductNames[i])
	}
	walk(t.Branches, maxDepth, each)
}

func walk(branches []Branch, depth int, each func(*Product)) {
	if depth == 0 {
		return
	}
	for i := range branches {
		if p := branches[i].Product; p != nil {
			each(p)
		}
		walk(branches[i].Branches, depth-1, each)
	}
}
