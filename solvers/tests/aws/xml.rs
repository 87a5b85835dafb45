//! The XML that AWS answers, and XML that it never would.

use certwright_solvers::ErrorKind;
use certwright_solvers::credentials::aws::xml::Element;

#[test]
fn names_text_and_order_are_read() {
    let document = "<?xml version=\"1.0\"?>\n<!-- > --><a:Root xmlns:a='x>y'><Item n=\"1\">one &amp; &#x31;&#50;</Item>\n<Empty/>\
                    <Item><![CDATA[<two>]]> and <!-- no -->more</Item></a:Root>\n<!-- end -->\n";

    let root = Element::parse(document).unwrap();

    assert_eq!(root.name(), "Root");
    let texts: Vec<_> = root.children().iter().map(|it| (it.name(), it.text())).collect();
    assert_eq!(texts, [("Item", "one & 12"), ("Empty", ""), ("Item", "<two> and more")]);
    assert_eq!(root.find(&["Item"]), Some("one & 12"));
    assert_eq!(root.find(&["Item", "Nothing"]), None);
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for document in [
        "",
        "text",
        "<a>",
        "<a></b>",
        "<a></a><b/>",
        "<a></a>more",
        "<a",
        "<a b='></a>",
        "<a>&unknown;</a>",
        "<a>&#xd800;</a>",
        "<a>&lt</a>",
        "<a><![CDATA[</a>",
        "<a><!-- </a>",
        "<1/>",
        "</a>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
    ] {
        assert_eq!(Element::parse(document).map(drop).unwrap_err().kind(), ErrorKind::Malformed, "{document}");
    }
}

#[test]
fn depth_and_number_are_bounded() {
    let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(Element::parse(&deep(32)).is_ok());
    assert_eq!(Element::parse(&deep(33)).map(drop).unwrap_err().kind(), ErrorKind::Malformed);

    let wide = |number: usize| format!("<a>{}</a>", "<b/>".repeat(number));
    assert!(Element::parse(&wide(65_535)).is_ok());
    assert_eq!(Element::parse(&wide(65_536)).map(drop).unwrap_err().kind(), ErrorKind::Malformed);
}
