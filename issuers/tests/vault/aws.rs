//! Logging in with an AWS identity, which Vault has moto's token service confirm.

use acme_core::{ErrorKind, Secret};
use certwright_issuers::Retry;
use certwright_issuers::vault::VaultIssuer;
use certwright_issuers::vault::auth::{AwsIam, Fixed};
use serde_json::{Value, json};
use solvers::credentials::aws::{Credentials, Region, sts};
use testkit::servers::Moto;

use super::world::{Wanted, World, block_on, everything, refusal};

#[test]
fn with_an_aws_identity_that_the_token_service_confirms() {
    // Three calls set it up; after them every signature is checked.
    let moto = Moto::builder().checking_after(3).start();
    let key: Value = serde_json::from_str(&Moto::python(USER, &moto.url())).unwrap();
    let (id, secret) = (key["AccessKeyId"].as_str().unwrap(), key["SecretAccessKey"].as_str().unwrap());
    let world = World::new();
    world.vault.write("sys/auth/aws", &json!({ "type": "aws" }));
    let config =
        json!({ "sts_endpoint": moto.url(), "sts_region": REGION, "iam_server_id_header_value": "vault.test" });
    world.vault.write("auth/aws/config/client", &config);
    for (role, principal) in [("web", "user/issuer"), ("other", "user/somebody")] {
        let principal = format!("arn:aws:iam::123456789012:{principal}");
        let role_settings = json!({ "auth_type": "iam", "bound_iam_principal_arn": principal, "resolve_aws_unique_ids": false,
            "token_policies": "signer", "token_ttl": "1h" });
        world.vault.write(&format!("auth/aws/role/{role}"), &role_settings);
    }
    let issuer = |role: &str, secret: &str, server_id: &str| -> VaultIssuer {
        let region = Region::parse(REGION).unwrap();
        let credentials = Credentials::new(id, &Secret::new(secret.to_owned()));
        let auth = AwsIam::new(role, &region, Fixed::new(credentials)).unwrap();
        let auth = auth.asking(sts::endpoint_at(&moto.url(), &region).unwrap());
        world.issuer(auth.for_server_id(server_id).unwrap())
    };
    let wanted = Wanted::name("a.example.test");

    block_on(wanted.from(&issuer("web", secret, "vault.test"))).unwrap();

    for (issuer, said) in [
        (issuer("other", secret, "vault.test"), "does not belong to the role \"other\""),
        (issuer("none", secret, "vault.test"), "entry for role none not found"),
        (issuer("web", "another secret", "vault.test"), "error making upstream request"),
        (issuer("web", secret, "elsewhere.test"), "expected \"vault.test\""),
    ] {
        let error = refusal(&issuer, &wanted);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unauthorized, Retry::Never), "{error}");
        assert!(error.to_string().contains(said) && error.to_string().contains("binds this AWS principal"), "{error}");
        assert!(!everything(&error).contains(secret));
    }
}

const REGION: &str = "eu-central-1";

/// Three calls: a user, a key, and leave to do everything.
const USER: &str = r#"
import json, sys, boto3
url = sys.stdin.read()
iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="setup", aws_secret_access_key="setup")
iam.create_user(UserName="issuer")
key = iam.create_access_key(UserName="issuer")["AccessKey"]
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iam.put_user_policy(UserName="issuer", PolicyName="all", PolicyDocument=json.dumps(policy))
print(json.dumps({"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}))
"#;
