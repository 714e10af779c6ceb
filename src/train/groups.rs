//! Parameter groups: which parameters decay, at which share of the rate they move, and under which
//! name their gradient norm is reported.

use crate::recipe::{Objective, Stage};

/// How one parameter is treated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// The name under which its gradient norm is reported.
    pub name: &'static str,
    /// Whether weight decay applies.
    pub decay: bool,
    /// Factor on the stage's learning rate.
    pub rate: f64,
}

/// The group of the parameter of that full name with `rank` dimensions. `layers` is the image
/// tower's depth.
///
/// No decay on norms, biases, scales and on class and position embeddings (open_clip's newer
/// rule, facts 1.5). Layer-wise decay as in LLM2CLIP's optimizer (facts 3.4): the image tower's
/// embeddings count as layer 0, block n as n + 1, everything else as the head.
pub fn group_of(stage: &Stage, name: &str, rank: usize, layers: usize) -> Group {
    let decay = rank > 1
        && !name.contains("position_embedding")
        && !name.contains("class_embedding")
        && !name.contains("lora_");
    Group { name: report_name(name), decay, rate: rate_factor(stage, name, layers) }
}

fn report_name(name: &str) -> &'static str {
    const NAMES: [(&str, &str); 7] = [
        ("vision_model.", "image-tower"),
        ("text_model.", "text-tower"),
        ("visual_projection.", "projection"),
        ("text_projection.", "projection"),
        ("text_adapter.", "adapter"),
        ("logit_", "scale"),
        ("lm_head.", "head"),
    ];
    if name.contains(".lora_") {
        return "lora";
    }
    NAMES.iter().find(|(prefix, _)| name.starts_with(prefix)).map_or("trunk", |(_, group)| group)
}

fn rate_factor(stage: &Stage, name: &str, layers: usize) -> f64 {
    if let Some(rest) = name.strip_prefix("vision_model.") {
        let id = if let Some(block) = rest.strip_prefix("encoder.layers.") {
            let number = block.split('.').next().and_then(|n| n.parse::<usize>().ok());
            number.map_or(layers + 1, |n| n + 1)
        } else if rest.starts_with("embeddings.") || rest.starts_with("pre_layrnorm.") {
            0
        } else {
            layers + 1
        };
        return stage.layer_decay.powi((layers + 1 - id) as i32);
    }
    match &stage.objective {
        Objective::Llm2clip { head_lr_factor, .. }
            if name.starts_with("visual_projection.") || name.starts_with("text_adapter.") =>
        {
            *head_lr_factor
        }
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::preset;

    #[test]
    fn norms_biases_scales_and_positions_do_not_decay() {
        let stage = &preset("clip").unwrap().stages[0];
        let decays = |name, rank| group_of(stage, name, rank, 4).decay;
        assert!(decays("vision_model.encoder.layers.0.mlp.fc1.weight", 2));
        assert!(decays("visual_projection.weight", 2));
        for (name, rank) in [
            ("vision_model.encoder.layers.0.mlp.fc1.bias", 1),
            ("vision_model.pre_layrnorm.weight", 1),
            ("vision_model.embeddings.position_embedding.weight", 2),
            ("vision_model.embeddings.class_embedding", 1),
            ("logit_scale", 0),
        ] {
            assert!(!decays(name, rank), "{name}");
        }
    }

    #[test]
    fn layer_decay_gives_the_published_factors() {
        let mut stage = preset("clip").unwrap().stages.remove(0);
        stage.layer_decay = 0.85;
        let rate = |name| group_of(&stage, name, 2, 24).rate;
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-4, "{a} {b}");
        near(rate("vision_model.embeddings.patch_embedding.weight"), 0.0172);
        near(rate("vision_model.encoder.layers.0.mlp.fc1.weight"), 0.0202);
        near(rate("vision_model.encoder.layers.23.mlp.fc1.weight"), 0.85);
        near(rate("vision_model.post_layernorm.weight"), 1.0);
        near(rate("text_model.encoder.layers.0.mlp.fc1.weight"), 1.0);
    }
}
