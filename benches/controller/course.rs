//! What is run, in which order.

use std::path::Path;
use std::time::Duration;

use crate::acme;
use crate::bare::Bare;
use crate::cluster::{Cluster, Field, clock, kubeconfig_file, pause};
use crate::floor::{self, Issuance, Material};
use crate::operator::{self, Operator};
use crate::processor::Usage;
use crate::report::{self, Cold, Crowd, Idle, Pair, Run, Writes};
use crate::rival::{self, Rival};

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Pairs of floor and controller with [`FEW`] Certificates.
    pub(crate) pairs: usize,
    /// Certificates of the large pair; 0 leaves it out.
    pub(crate) crowd: usize,
    /// For how many seconds cert-manager is measured at most.
    pub(crate) patience: usize,
}

/// Runs everything, and prints.
pub(crate) async fn measure(plan: Plan) -> Result<(), String> {
    let material = Material::make()?;
    let cluster = Cluster::start().await?;
    let in_flight = best_in_flight(&cluster, &material).await?;
    let mut pairs = Vec::new();
    for round in 0..plan.pairs {
        // Before and after: a machine that becomes slower or faster meanwhile favours nobody.
        let before = floor_run(&cluster, &material, &format!("before-{round}"), FEW, in_flight).await?;
        let (ours, writes) = our_run(&cluster, &format!("ours-{round}"), FEW).await?;
        let after = floor_run(&cluster, &material, &format!("after-{round}"), FEW, in_flight).await?;
        let mut pair = Pair { count: FEW, floor: before.mean(after), ours, writes, rival: None };
        println!("  {}", report::pair(&pair));
        pair.rival = rival(plan, FEW).await?;
        pairs.push(pair);
    }
    let watched = watched_floor_run(&cluster, &material, "watched", in_flight).await?;
    println!("  {}", report::watched(FEW, &watched));
    let idle = idle(&cluster, &material).await?;
    println!("  {}", report::idle(&idle));
    let acme = acme::measure(&cluster).await?;
    drop(cluster);
    let (crowd, spread) = match plan.crowd {
        0 => (None, None),
        count => {
            let mut crowd = crowd(&material, count, in_flight).await?;
            crowd.pair.rival = rival(plan, count).await?;
            (Some(crowd), Some(spread(count).await?))
        }
    };
    println!();
    println!("{}", report::p6(&pairs, crowd.as_ref()));
    println!("{}", report::p7(&pairs));
    if let Some(crowd) = &crowd {
        println!("{}", report::p8(crowd));
        println!("{}", report::p9(crowd, spread.as_deref().unwrap_or_default()));
    }
    println!("{}", report::p13(&idle));
    println!("{}", report::p13_acme(&acme));
    Ok(())
}

/// cert-manager with as many, if there is one.
async fn rival(plan: Plan, count: usize) -> Result<Option<Rival>, String> {
    let Some(program) = rival::program() else { return Ok(None) };
    let rival = rival::measure(&program, count, Duration::from_secs(plan.patience as u64)).await?;
    println!("  {}", report::rival(&rival));
    Ok(Some(rival))
}

/// How many issuances of the floor in flight serve it best.
async fn best_in_flight(cluster: &Cluster, material: &Material) -> Result<usize, String> {
    let mut best = (0, Duration::MAX);
    // Once for the API server to wake up.
    floor_run(cluster, material, "warm", FEW / 2, 32).await?;
    for in_flight in IN_FLIGHT {
        let Run { time, .. } = floor_run(cluster, material, &format!("probe-{in_flight}"), FEW, in_flight).await?;
        println!("  floor, {in_flight} in flight: {:.1}/s", report::rate(FEW, time));
        if time < best.1 {
            best = (in_flight, time);
        }
    }
    Ok(best.0)
}

async fn floor_run(
    cluster: &Cluster,
    material: &Material,
    namespace: &str,
    count: usize,
    in_flight: usize,
) -> Result<Run, String> {
    let field = cluster.field(namespace).await?;
    let bare = Bare::new(&cluster.kubeconfig(), "floor")?;
    let made = cluster.certificates(&field, "cert", count).await?;
    let issuances: Vec<Issuance> = made.iter().map(|it| Issuance::of(&field, it, material)).collect();
    let mut readiness = cluster.readiness(&field).await?;
    pause(SETTLE).await;
    let (before, begin) = (Usage::now()?, clock());
    let (written, ready) = tokio::join!(floor::run(&bare, issuances, in_flight), readiness.reaches(count));
    written?;
    ready?;
    Ok(Run { time: begin.elapsed(), usage: Usage::now()?.since(before) })
}

/// The floor while a controller looks on and does nothing: what the API server has to tell it is no part of the floor, and no controller is without it.
async fn watched_floor_run(
    cluster: &Cluster,
    material: &Material,
    namespace: &str,
    in_flight: usize,
) -> Result<Run, String> {
    let file = kubeconfig_file(cluster)?;
    let operator = Operator::start(file.path(), Some(namespace))?;
    let run = floor_run(cluster, material, namespace, FEW, in_flight).await?;
    operator.stop().await?;
    Ok(run)
}

async fn our_run(cluster: &Cluster, namespace: &str, count: usize) -> Result<(Run, Writes), String> {
    let field = cluster.field(namespace).await?;
    let file = kubeconfig_file(cluster)?;
    let mut operator = Operator::start(file.path(), Some(namespace))?;
    let measured = issue(cluster, &[field], &mut operator, count).await?;
    operator.stop().await?;
    Ok(measured)
}

/// Has a controller that waits issue so many Certificates at once, in each of these namespaces as many.
async fn issue(
    cluster: &Cluster,
    fields: &[Field],
    operator: &mut Operator,
    count: usize,
) -> Result<(Run, Writes), String> {
    operator.go().await?;
    for field in fields {
        cluster.issuer_is_ready(field).await?;
    }
    operator.halt().await?;
    // On a busy machine it hears of that later than of the first of them.
    pause(SETTLE).await;
    for (number, field) in fields.iter().enumerate() {
        cluster.certificates(field, &format!("cert-{number}"), count / fields.len()).await?;
    }
    let mut readiness = match fields {
        [only] => cluster.readiness(only).await?,
        _ => cluster.readiness_everywhere().await?,
    };
    // It has seen them all when it rests.
    operator.quiet().await?;
    let position = cluster.position();
    let (before, begin) = (Usage::now()?, clock());
    operator.go().await?;
    readiness.reaches(count / fields.len() * fields.len()).await?;
    let run = Run { time: begin.elapsed(), usage: Usage::now()?.since(before) };
    // What is said of the issuances when they are over counts, too.
    operator.quiet().await?;
    Ok((run, Writes::of(cluster.requests_of(operator::AGENT, position))))
}

/// One Certificate at a time on a cluster that has nothing else to do.
async fn idle(cluster: &Cluster, material: &Material) -> Result<Idle, String> {
    let field = cluster.field("idle").await?;
    let bare = Bare::new(&cluster.kubeconfig(), "floor")?;
    let mut floor = Vec::new();
    let mut readiness = cluster.readiness(&field).await?;
    for number in 0..SAMPLES {
        let made = cluster.certificate(&field, format!("floor-{number}")).await?;
        let issuance = Issuance::of(&field, &made, material);
        let begin = clock();
        floor::run(&bare, vec![issuance], 1).await?;
        readiness.reaches(number + 1).await?;
        floor.push(begin.elapsed());
    }
    let field = cluster.field("idle-ours").await?;
    let file = kubeconfig_file(cluster)?;
    let mut operator = Operator::start(file.path(), Some(&field.namespace))?;
    operator.go().await?;
    cluster.issuer_is_ready(&field).await?;
    let mut readiness = cluster.readiness(&field).await?;
    let mut ours = Vec::new();
    for number in 0..SAMPLES {
        pause(SETTLE).await;
        let begin = clock();
        cluster.certificate(&field, format!("ours-{number}")).await?;
        readiness.reaches(number + 1).await?;
        ours.push(begin.elapsed());
    }
    operator.stop().await?;
    Ok(Idle { floor, ours })
}

/// The large pair, each on a control plane of its own; then memory, and a start in front of everything that is ready.
async fn crowd(material: &Material, count: usize, in_flight: usize) -> Result<Crowd, String> {
    let before = crowded_floor(material, count, in_flight).await?;
    let cluster = Cluster::start().await?;
    let fields = [cluster.field("crowd").await?];
    let file = kubeconfig_file(&cluster)?;
    let mut operator = Operator::start(file.path(), None)?;
    let empty = {
        operator.quiet().await?;
        operator.resident()?
    };
    let (ours, writes) = issue(&cluster, &fields, &mut operator, count).await?;
    let after_issuing = operator.resident()?;
    operator.stop().await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(cold_start(&cluster, file.path()).await?);
    }
    let [field] = &fields;
    cluster.foreign_secrets(field, FOREIGN).await?;
    println!("  beside {FOREIGN} Secrets of others, a megabyte each:");
    let beside_foreign = cold_start(&cluster, file.path()).await?;
    drop(cluster);
    let after = crowded_floor(material, count, in_flight).await?;
    let pair = Pair { count, floor: before.mean(after), ours, writes, rival: None };
    println!("  {}", report::pair(&pair));
    Ok(Crowd { pair, empty, after_issuing, starts, beside_foreign })
}

/// The floor of a crowd, on a control plane of its own.
async fn crowded_floor(material: &Material, count: usize, in_flight: usize) -> Result<Run, String> {
    let cluster = Cluster::start().await?;
    let run = floor_run(&cluster, material, "crowd", count, in_flight).await?;
    println!("  floor, {count}: {:.1}/s", report::rate(count, run.time));
    Ok(run)
}

/// As many in many namespaces: starts in front of them.
async fn spread(count: usize) -> Result<Vec<Cold>, String> {
    let cluster = Cluster::start().await?;
    let mut fields = Vec::new();
    for number in 0..NAMESPACES {
        fields.push(cluster.field(&format!("spread-{number}")).await?);
    }
    let file = kubeconfig_file(&cluster)?;
    let mut operator = Operator::start(file.path(), None)?;
    let (run, _) = issue(&cluster, &fields, &mut operator, count).await?;
    println!("  {count} in {NAMESPACES} namespaces: controller {:.1}/s", report::rate(count, run.time));
    operator.stop().await?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(cold_start(&cluster, file.path()).await?);
    }
    Ok(starts)
}

/// A start in front of what is ready.
async fn cold_start(cluster: &Cluster, kubeconfig: &Path) -> Result<Cold, String> {
    let position = cluster.position();
    let mut operator = Operator::start(kubeconfig, None)?;
    operator.go().await?;
    let processor = operator.quiet().await?;
    let resident = operator.resident()?;
    operator.stop().await?;
    let writes = Writes::of(cluster.requests_of(operator::AGENT, position)).all();
    let cold = Cold { processor, resident, writes };
    println!("  {}", report::cold(&cold));
    Ok(cold)
}

const FEW: usize = 500;
const IN_FLIGHT: [usize; 4] = [16, 32, 64, 128];
const SAMPLES: usize = 20;
const STARTS: usize = 3;
const FOREIGN: usize = 300;
const NAMESPACES: usize = 100;
/// Long enough for everything that was written to be told everywhere.
const SETTLE: Duration = Duration::from_millis(500);
