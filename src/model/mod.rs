//! Published architectures out of nn: ViT, CLIP text tower, Llama, pooling, adapter and projector.
