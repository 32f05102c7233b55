//! The licences of every package the wallet ships with, written into the asset that its about page reads.
//!
//! Of a package that offers a choice the shortest is taken that Tapseal meets by repeating it: MIT where there is one. The
//! texts are the packages' own files, with their copyright lines; one that several share stands once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::{invocation, repository};

/// What the wallet is: the window and its screens.
const ROOTS: [&str; 2] = ["tapseal-app", "ui"];
/// Where the asset is.
const ASSET: &str = "crates/wallet/assets/licences.json";
/// What a file with a licence is called, in lower case.
const FILES: [&str; 6] = ["license", "licence", "copying", "notice", "unlicense", "copyright"];

/// No options.
#[derive(clap::Args)]
pub struct Options {}

#[derive(PartialEq, Serialize, Deserialize)]
struct Asset {
    packages: Vec<Package>,
    texts: Vec<String>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Package {
    name: String,
    version: String,
    licence: String,
    /// Places among the asset's texts.
    texts: Vec<usize>,
}

/// A package as cargo knows it.
struct Source {
    name: String,
    version: String,
    licence: String,
    folder: PathBuf,
}

/// Writes the asset.
pub fn run(_: &Options) -> Result<(), Failure> {
    let asset = gather(&shipped()?);
    let text = serde_json::to_string(&asset).map_err(|error| Failure::unexpected("the licences", error.to_string()))?;
    let path = repository::root().join(ASSET);
    std::fs::write(&path, text + "\n").map_err(Failure::io(ASSET))?;
    println!("{} packages, {} texts: {ASSET}", asset.packages.len(), asset.texts.len());
    Ok(())
}

/// Every foreign package that is linked into the window or the screens, on any system, by name.
fn shipped() -> Result<Vec<Source>, Failure> {
    let metadata = invocation::json_of(repository::cargo(["metadata", "--format-version", "1", "--locked"]))?;
    let wrong = || Failure::unexpected("cargo metadata", "another shape than version 1");
    let packages = metadata["packages"].as_array().ok_or_else(wrong)?;
    let by_id: HashMap<&str, &Value> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().ok_or_else(wrong)?;
    let needs: HashMap<&str, Vec<&str>> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, linked(node)))).collect();
    let is_root = |package: &&Value| ROOTS.iter().any(|root| package["name"] == *root);
    let mut waiting: Vec<&str> = packages.iter().filter(is_root).filter_map(|root| root["id"].as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            waiting.extend(needs.get(id).into_iter().flatten());
        }
    }
    let mut sources = BTreeMap::new();
    for package in seen.into_iter().filter_map(|id| by_id.get(id)).filter(|package| !package["source"].is_null()) {
        let text = |name: &str| package[name].as_str().map(str::to_owned);
        let (name, version) = (text("name").ok_or_else(wrong)?, text("version").ok_or_else(wrong)?);
        let licence = text("license").unwrap_or_else(|| "see its licence file".to_owned()).replace('/', " OR ");
        let manifest = text("manifest_path").ok_or_else(wrong)?;
        let folder = Path::new(&manifest).parent().ok_or_else(wrong)?.to_owned();
        sources.insert((name.clone(), version.clone()), Source { name, version, licence, folder });
    }
    Ok(sources.into_values().collect())
}

/// What a package is linked with: not what only builds or tests it.
fn linked(node: &Value) -> Vec<&str> {
    let is_linked = |dependency: &&Value| {
        dependency["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    let dependencies = node["deps"].as_array().into_iter().flatten();
    dependencies.filter(is_linked).filter_map(|dependency| dependency["pkg"].as_str()).collect()
}

fn gather(sources: &[Source]) -> Asset {
    let mut texts = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut place = |text: String| {
        *places.entry(text.clone()).or_insert_with(|| {
            texts.push(text);
            texts.len() - 1
        })
    };
    let mut packages: Vec<Package> = Vec::new();
    for source in sources {
        let texts = own_texts(source).into_iter().map(&mut place).collect();
        let (name, version) = (source.name.clone(), source.version.clone());
        packages.push(Package { name, version, licence: source.licence.clone(), texts });
    }
    // A package without a file of its own is under the same words as others with its licence.
    let known: HashMap<String, Vec<usize>> = packages
        .iter()
        .rev()
        .filter(|package| !package.texts.is_empty())
        .map(|package| (package.licence.clone(), package.texts.clone()))
        .collect();
    let any = known.get("MIT OR Apache-2.0").cloned().unwrap_or_default();
    for package in packages.iter_mut().filter(|package| package.texts.is_empty()) {
        let similar = known.get(&package.licence).cloned().unwrap_or_else(|| any.clone());
        let note = format!("{} {} by its authors, under {}:", package.name, package.version, package.licence);
        package.texts = std::iter::once(place(note)).chain(similar).collect();
    }
    Asset { packages, texts }
}

/// The licence files of a package: of a choice the MIT one alone.
fn own_texts(source: &Source) -> Vec<String> {
    let entries = std::fs::read_dir(&source.folder).into_iter().flatten().flatten();
    let mut files: Vec<(String, PathBuf)> = entries
        .map(|entry| (entry.file_name().to_string_lossy().to_lowercase(), entry.path()))
        .filter(|(name, path)| path.is_file() && FILES.iter().any(|start| name.starts_with(start)))
        .collect();
    files.sort();
    let is_choice = source.licence.contains(" OR ") && !source.licence.contains(" AND ");
    if is_choice && files.iter().any(|(name, _)| name.contains("mit")) {
        files.retain(|(name, _)| name.contains("mit") || name.starts_with("notice"));
    }
    let read = |(_, path): (String, PathBuf)| std::fs::read(path).ok();
    files.into_iter().filter_map(read).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asset_names_what_is_shipped() {
        let text = std::fs::read_to_string(repository::root().join(ASSET)).unwrap();
        let kept: Asset = serde_json::from_str(&text).unwrap();
        let kept = kept.packages.into_iter().map(|it| (it.name, it.version, it.licence)).collect::<Vec<_>>();
        let shipped = shipped().unwrap().into_iter().map(|it| (it.name, it.version, it.licence)).collect::<Vec<_>>();
        assert!(kept == shipped, "run `cargo xtask licences` and commit {ASSET}");
    }

    #[test]
    fn of_a_choice_the_shorter_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("LICENSE-MIT", "mit"), ("LICENSE-APACHE", "apache"), ("NOTICE", "notice"), ("x.rs", "x")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let of = |licence: &str| {
            let folder = folder.path().to_owned();
            own_texts(&Source { name: "a".into(), version: "1".into(), licence: licence.into(), folder })
        };
        assert_eq!(of("MIT OR Apache-2.0"), ["mit", "notice"]);
        assert_eq!(of("MIT AND Apache-2.0"), ["apache", "mit", "notice"]);
    }
}
