//! Bags that hold a path, whatever else they hold.

use certwright_issuers::Issued;
use certwright_issuers::chain::{self, Path};
use rcgen::{DnType, DnValue, KeyPair};
use rustls_pki_types::CertificateDer;

use crate::authority::{Authority, DAY, judged, key_of, leaf, now, valid};

#[test]
fn any_order_leads_from_the_leaf_to_the_root() {
    let (root, middle, low) = (Authority::new("Root"), Authority::new("Middle"), Authority::new("Low"));
    let stranger = Authority::new("Stranger");
    let parts = [low.leaf(), middle.certify(&low), root.certify(&middle), root.root()];
    let strangers = [stranger.root(), stranger.certify(&Authority::new("Another")), Authority::new("Root").root()];

    for rotation in 0..parts.len() {
        let mut bag: Vec<_> = parts.iter().chain(&strangers).chain(&parts[1..3]).cloned().collect();
        bag.rotate_left(rotation);
        for bag in [bag.clone(), bag.into_iter().rev().collect()] {
            let path = Path::of_key(&bag, &key_of(&parts[0]), now()).unwrap();

            assert_eq!(path.chain().certificates(), &parts[..3]);
            assert_eq!(path.root(), Some(&parts[3]));
            assert_eq!(path.authority(), Some(&parts[3]));
            assert_eq!(Path::of_bundle(&bag, now()).unwrap(), path);
        }
    }
    assert!(judged(&parts[..3], &parts[3]));
    let issued = Issued::from(Path::of_bundle(&parts, now()).unwrap());
    assert_eq!((issued.chain.certificates(), issued.root.as_ref()), (&parts[..3], Some(&parts[3])));
}

#[test]
fn without_a_root_the_highest_certificate_is_the_authority() {
    let (root, middle) = (Authority::new("Root"), Authority::new("Middle"));
    let (leaf, middle_of_root) = (middle.leaf(), root.certify(&middle));

    let both = Path::of_bundle(&[middle_of_root.clone(), leaf.clone()], now()).unwrap();
    let alone = Path::of_bundle(std::slice::from_ref(&leaf), now()).unwrap();

    assert_eq!(both.chain().certificates(), [leaf.clone(), middle_of_root.clone()]);
    assert_eq!((both.root(), both.authority()), (None, Some(&middle_of_root)));
    assert_eq!(alone.chain().certificates(), [leaf]);
    assert_eq!((alone.root(), alone.authority()), (None, None));
}

#[test]
fn what_signed_itself_and_stands_alone_is_its_own_chain_and_authority() {
    let root = Authority::new("Root").root();
    let mut server = leaf("a.example");
    server.distinguished_name.push(DnType::CommonName, "a.example");
    let server = server.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone();

    for certificate in [root, server] {
        let path = Path::of_bundle(std::slice::from_ref(&certificate), now()).unwrap();

        assert_eq!(path.chain().certificates(), std::slice::from_ref(&certificate));
        assert_eq!(path.authority(), Some(&certificate));
    }
}

#[test]
fn of_two_roots_the_nearer_is_taken_and_the_expired_passed_over() {
    let (old, new, middle) = (Authority::new("Old Root"), Authority::new("New Root"), Authority::new("Middle"));
    let (leaf, middle_of_new) = (middle.leaf(), new.certify(&middle));
    let (new_root, old_root, crossed) = (new.root(), old.root(), old.certify(&new));

    let near = [leaf.clone(), crossed.clone(), old_root.clone(), middle_of_new.clone(), new_root.clone()];
    assert_eq!(Path::of_bundle(&near, now()).unwrap().chain().certificates(), [leaf.clone(), middle_of_new.clone()]);
    assert_eq!(Path::of_bundle(&near, now()).unwrap().root(), Some(&new_root));

    let far = [old_root.clone(), crossed.clone(), leaf.clone(), middle_of_new.clone()];
    let path = Path::of_bundle(&far, now()).unwrap();
    assert_eq!(path.chain().certificates(), [leaf.clone(), middle_of_new.clone(), crossed]);
    assert_eq!(path.root(), Some(&old_root));
    assert!(judged(path.chain().certificates(), &old_root));

    let expired = old.certify(&new.changed(|it| valid(it, -20 * DAY, -DAY)));
    let path = Path::of_bundle(&[expired.clone(), leaf.clone(), middle_of_new.clone(), old_root], now()).unwrap();
    assert_eq!(path.chain().certificates(), [leaf.clone(), middle_of_new.clone()], "a cross-sign that expired");
    let path = Path::of_bundle(&[expired, new_root.clone(), leaf.clone(), middle_of_new.clone()], now()).unwrap();
    assert_eq!((path.chain().certificates(), path.root()), (&[leaf, middle_of_new][..], Some(&new_root)));
}

#[test]
fn of_two_certificates_of_one_authority_the_one_that_leads_on_is_taken() {
    let (root, other, middle) = (Authority::new("Root"), Authority::new("Other"), Authority::new("Middle"));
    let leaf = middle.leaf();
    let longer = other.certify(&middle.changed(|it| valid(it, -DAY, 3000 * DAY)));
    let (sound, expired) = (root.certify(&middle), root.certify(&middle.changed(|it| valid(it, -20 * DAY, -DAY))));

    let root = root.root();

    let bag = [longer.clone(), expired.clone(), leaf.clone(), sound.clone(), root.clone()];
    let path = Path::of_bundle(&bag, now()).unwrap();
    assert_eq!(path.chain().certificates(), [leaf.clone(), sound], "only one leads to a root");
    assert_eq!(path.root(), Some(&root));

    let path = Path::of_bundle(&[expired.clone(), leaf.clone(), longer.clone()], now()).unwrap();
    assert_eq!(path.chain().certificates(), [leaf.clone(), longer], "no root, and one expired");

    let path = Path::of_bundle(&[expired.clone(), leaf.clone()], now()).unwrap();
    assert_eq!(
        path.chain().certificates(),
        [leaf.clone(), expired.clone()],
        "nothing else is there, and `check` says so"
    );
    let key = key_of(&leaf);
    let said = chain::check(path.chain(), &key, &[], now()).unwrap_err().to_string();
    assert!(said.contains("certificate 2 of the chain, \"Middle\", expired at"), "{said}");
}

#[test]
fn the_certificate_for_a_key_is_the_one_that_is_valid_and_the_latest() {
    let root = Authority::new("Root");
    let key = KeyPair::generate().unwrap();
    let of = |from, until| {
        let mut params = leaf("a.example");
        valid(&mut params, from, until);
        root.issue(&params, &key)
    };
    let (expired, first, second, early) =
        (of(-9 * DAY, -DAY), of(-3 * DAY, DAY), of(-2 * DAY, DAY), of(2 * DAY, 9 * DAY));

    let bag = [early, first, root.root(), second.clone(), root.leaf(), expired];
    let path = Path::of_key(&bag, &key_of(&second), now()).unwrap();

    assert_eq!(path.chain().certificates(), [second]);
}

#[test]
fn the_lowest_of_authorities_is_meant_when_there_is_no_other_leaf() {
    let (root, middle, low) = (Authority::new("Root"), Authority::new("Middle"), Authority::new("Low"));
    let other = Authority::new("Other");
    let parts = [middle.certify(&low), root.certify(&middle), root.root(), other.certify(&root), other.root()];

    let path = Path::of_bundle(&parts, now()).unwrap();

    assert_eq!((path.chain().certificates(), path.root()), (&parts[..2], Some(&parts[2])));
}

#[test]
fn names_written_in_different_string_types_are_one_name() {
    let printable = |name: &str| DnValue::PrintableString(name.try_into().unwrap());
    let root = Authority::new("Example Root");
    let named = root.changed(|it| it.distinguished_name.push(DnType::CommonName, printable("EXAMPLE  root")));
    let (leaf, root) = (named.leaf(), root.root());

    let path = Path::of_bundle(&[root.clone(), leaf.clone()], now()).unwrap();

    assert_eq!((path.chain().certificates(), path.root()), (&[leaf.clone()][..], Some(&root)));
    chain::check(&acme_core::client::Chain::new(vec![leaf.clone(), root]), &key_of(&leaf), &[], now()).unwrap();
}

#[test]
fn a_renewed_root_of_the_same_name_is_told_from_the_old_one_without_key_identifiers() {
    let old = Authority::new("Root");
    let plain = |authority: &Authority| {
        authority.changed(|it| it.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(Vec::new()))
    };
    let (old, new) = (plain(&old), plain(&Authority::new("Root")));
    let mut params = leaf("a.example");
    params.use_authority_key_identifier_extension = false;
    let leaf = new.issue(&params, &KeyPair::generate().unwrap());

    let new = new.root();

    let path = Path::of_bundle(&[old.root(), leaf.clone(), new.clone()], now()).unwrap();

    assert_eq!((path.chain().certificates(), path.root()), (&[leaf][..], Some(&new)));
}

#[test]
fn every_certificate_of_a_pem_text_is_in_the_bag() {
    let (root, middle) = (Authority::new("Root"), Authority::new("Middle"));
    let (leaf, between, root) = (middle.leaf(), root.certify(&middle), root.root());
    let pem = |it: &CertificateDer<'static>| chain::to_pem(&acme_core::client::Chain::new(vec![it.clone()]));
    let key = KeyPair::generate().unwrap().serialize_pem();
    let text = format!("# a root\r\n{}\n{key}{}subject: x\n{}{}", pem(&root), pem(&leaf), pem(&between), pem(&root));

    let bag = chain::bundle_from_pem(text.as_bytes()).unwrap();
    let path = Path::of_bundle(&bag, now()).unwrap();

    assert_eq!(bag.len(), 4);
    assert_eq!((path.chain().certificates(), path.root()), (&[leaf, between][..], Some(&root)));
    assert_eq!(chain::bundle_from_pem(b"nothing").unwrap(), []);
    assert!(chain::bundle_from_pem(&text.as_bytes()[..300]).unwrap_err().to_string().contains("cut off or damaged"));
}
