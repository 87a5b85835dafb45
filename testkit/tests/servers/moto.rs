//! moto starts, answers, and checks signatures when asked to.

use certwright_testkit::servers::Moto;

#[test]
fn it_answers_as_sts() {
    let moto = Moto::start();
    assert_eq!(Moto::python(WHO, &moto.url()).trim(), "123456789012");
    assert!(moto.log().contains("POST"), "{}", moto.log());
}

#[test]
fn it_refuses_strangers_when_it_checks_signatures() {
    let moto = Moto::builder().checking_after(0).start();
    assert_eq!(Moto::python(WHO, &moto.url()).trim(), "InvalidClientTokenId");
}

const WHO: &str = r#"
import sys, boto3, botocore
sts = boto3.client("sts", endpoint_url=sys.stdin.read(), region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
try:
    print(sts.get_caller_identity()["Account"])
except botocore.exceptions.ClientError as error:
    print(error.response["Error"]["Code"])
"#;
