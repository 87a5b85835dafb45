//! A stand-in for ingress and gateway controllers: a small reverse proxy that reads Ingresses, HTTPRoutes, Services and EndpointSlices as those do.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use testkit::servers::ControlPlane;

/// A reverse proxy on a port of this machine, for the Ingresses of one class (or its ingressClassName), and for every HTTPRoute.
#[derive(Debug)]
pub struct IngressStandIn<P: Deref<Target = ControlPlane> = &'static ControlPlane> {
    address: SocketAddr,
    shared: Arc<Shared<P>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<P> {
    plane: P,
    namespace: String,
    class: String,
    /// Requests that are still answered as if nothing were programmed yet.
    unprogrammed: AtomicUsize,
    /// Services without a selector are passed over, as some controllers do.
    skips_selectorless: AtomicBool,
    /// Requests that reached an endpoint.
    forwarded: AtomicUsize,
    stopped: AtomicBool,
}

impl<P: Deref<Target = ControlPlane> + Send + Sync + 'static> IngressStandIn<P> {
    /// Starts one for a namespace.
    pub fn start(plane: P, namespace: &str, class: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            plane,
            namespace: namespace.to_owned(),
            class: class.to_owned(),
            unprogrammed: AtomicUsize::new(0),
            skips_selectorless: AtomicBool::new(false),
            forwarded: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let serving = Arc::clone(&serving);
                thread::spawn(move || stream.map(|stream| serving.serve(stream)));
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Answers the next `requests` as if nothing were programmed yet: the delay of a real controller, counted and not timed.
    #[must_use]
    pub fn programs_after(self, requests: usize) -> Self {
        self.shared.unprogrammed.store(requests, Ordering::Relaxed);
        self
    }

    /// Passes over Services without a selector, as the AWS load balancer controller does in IP mode.
    #[must_use]
    pub fn skips_services_without_selector(self) -> Self {
        self.shared.skips_selectorless.store(true, Ordering::Relaxed);
        self
    }

    /// The port that validators are sent to.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many requests reached an endpoint.
    pub fn forwarded(&self) -> usize {
        self.shared.forwarded.load(Ordering::Relaxed)
    }
}

impl<P: Deref<Target = ControlPlane>> Drop for IngressStandIn<P> {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // The accept loop looks once more and ends.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.address.port()));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<P: Deref<Target = ControlPlane>> Shared<P> {
    /// One request, one answer.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let head = read_head(&mut stream)?;
        let mut lines = head.split("\r\n");
        let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
        let host = lines
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("host:").map(|it| it.trim().to_owned()))
            .unwrap_or_default();
        let host = host.split(':').next().unwrap_or_default();
        let waits =
            self.unprogrammed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        let service = if waits { None } else { self.service_for(host, &path) };
        let Some((service, port)) = service else { return answer(&mut stream, "404 Not Found") };
        let Some(endpoint) = self.endpoint_of(&service, port) else {
            return answer(&mut stream, "503 Service Unavailable");
        };
        let Ok(mut backend) = TcpStream::connect_timeout(&endpoint, PATIENCE) else {
            return answer(&mut stream, "502 Bad Gateway");
        };
        backend.set_read_timeout(Some(PATIENCE))?;
        self.forwarded.fetch_add(1, Ordering::Relaxed);
        backend.write_all(head.as_bytes())?;
        io::copy(&mut backend, &mut stream)?;
        Ok(())
    }

    /// The Service that a path of a host leads to, and its port: exact paths before prefixes, rules with a host before those without.
    fn service_for(&self, host: &str, path: &str) -> Option<(String, u64)> {
        let mut found: Vec<(bool, bool, usize, String, u64)> = Vec::new();
        for ingress in self.list("/apis/networking.k8s.io/v1", "ingresses") {
            let annotated = &ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"];
            let class = ingress["spec"]["ingressClassName"].as_str().or(annotated.as_str()).unwrap_or_default();
            if class != self.class {
                continue;
            }
            for rule in array(&ingress["spec"]["rules"]) {
                let of_host = rule["host"].as_str();
                if of_host.is_some_and(|it| it != host) {
                    continue;
                }
                for entry in array(&rule["http"]["paths"]) {
                    let known = entry["path"].as_str().unwrap_or_default();
                    let exact = entry["pathType"] == "Exact";
                    if if exact { path == known } else { path.starts_with(known) } {
                        let service = &entry["backend"]["service"];
                        let name = service["name"].as_str().unwrap_or_default().to_owned();
                        found.push((of_host.is_some(), exact, known.len(), name, service["port"]["number"].as_u64()?));
                    }
                }
            }
        }
        for route in self.list("/apis/gateway.networking.k8s.io/v1", "httproutes") {
            let hosts = array(&route["spec"]["hostnames"]);
            if array(&route["spec"]["parentRefs"]).is_empty()
                || !(hosts.is_empty() || hosts.iter().any(|it| it == host))
            {
                continue;
            }
            for rule in array(&route["spec"]["rules"]) {
                if array(&rule["matches"]).iter().any(|it| it["path"]["value"] == path) {
                    let backend = &rule["backendRefs"][0];
                    let name = backend["name"].as_str().unwrap_or_default().to_owned();
                    found.push((!hosts.is_empty(), true, path.len(), name, backend["port"].as_u64()?));
                }
            }
        }
        found.sort();
        found.pop().map(|(.., service, port)| (service, port))
    }

    /// A ready address behind a Service.
    fn endpoint_of(&self, service: &str, port: u64) -> Option<SocketAddr> {
        let path = format!("/api/v1/namespaces/{}/services/{service}", self.namespace);
        let found = self.plane.call("GET", &path, None);
        if found.status != 200 {
            return None;
        }
        let has_selector = found.body["spec"]["selector"].as_object().is_some_and(|it| !it.is_empty());
        if !has_selector && self.skips_selectorless.load(Ordering::Relaxed) {
            return None;
        }
        let target =
            array(&found.body["spec"]["ports"]).iter().find(|it| it["port"] == port)?["targetPort"].as_u64()?;
        if has_selector {
            return self.pod_behind(&found.body["spec"]["selector"], target);
        }
        for slice in self.list("/apis/discovery.k8s.io/v1", "endpointslices") {
            if slice["metadata"]["labels"]["kubernetes.io/service-name"] != service {
                continue;
            }
            let port = array(&slice["ports"]).first().and_then(|it| it["port"].as_u64()).unwrap_or(target);
            for endpoint in array(&slice["endpoints"]) {
                if endpoint["conditions"]["ready"] == true {
                    let address = endpoint["addresses"][0].as_str()?.parse().ok()?;
                    return Some(SocketAddr::new(address, u16::try_from(port).ok()?));
                }
            }
        }
        None
    }

    /// A running Pod that a selector takes, found as those controllers do that send requests to Pods themselves.
    fn pod_behind(&self, selector: &Value, port: u64) -> Option<SocketAddr> {
        let wanted = selector.as_object()?;
        let pods = self.list("/api/v1", "pods");
        let pod = pods.iter().find(|it| {
            let labels = &it["metadata"]["labels"];
            it["status"]["phase"] == "Running" && wanted.iter().all(|(key, value)| labels[key.as_str()] == *value)
        })?;
        let address = pod["status"]["podIP"].as_str()?.parse().ok()?;
        Some(SocketAddr::new(address, u16::try_from(port).ok()?))
    }

    fn list(&self, group: &str, resource: &str) -> Vec<Value> {
        let answer = self.plane.call("GET", &format!("{group}/namespaces/{}/{resource}", self.namespace), None);
        if answer.status == 200 { array(&answer.body["items"]).to_vec() } else { Vec::new() }
    }
}

/// Reads up to the empty line.
fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        if stream.read(&mut byte)? == 0 {
            break;
        }
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn answer(stream: &mut TcpStream, status: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nServer: stand-in\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Nothing on this machine takes this long.
const PATIENCE: Duration = Duration::from_secs(10);
