"""What a network may be made of, by format: lists of what computes, since no list of what does harm is ever complete.

None of these reads or writes a file, calls a program, loops, or draws at random.
"""

ONNX = frozenset(
    """Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization Cast CastLike
    Ceil Celu CenterCropPad Clip Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum
    DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten
    Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual
    GroupNormalization HardSigmoid HardSwish Hardmax Identity If InstanceNormalization IsInf IsNaN LRN
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool
    Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul
    QuantizeLinear RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
    ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round ScatterElements ScatterND Selu Shape
    Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum SwiGLU
    Swish Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor""".split()
)
"""Operators of ONNX itself. What an ``If`` chooses between is looked through as well."""

TENSORFLOW = frozenset(
    """Abs Add AddN AddV2 All Any ArgMax ArgMin Asin Atan AvgPool BatchMatMul BatchMatMulV2 BatchMatMulV3
    BatchToSpaceND BiasAdd BiasAddV1 BroadcastArgs BroadcastTo Cast Ceil ClipByValue Concat ConcatV2 Const Conv2D
    Conv2DBackpropInput Cos DepthToSpace DepthwiseConv2dNative Div DivNoNan Einsum Elu EnsureShape Equal Erf Exp
    ExpandDims Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2
    Greater GreaterEqual Identity IdentityN InvertPermutation IsFinite IsNan L2Loss LRN LeakyRelu Less LessEqual Log
    Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool MaxPoolV2 Maximum Mean Min Minimum MirrorPad
    Mul MulNoNan Neg NoOp NotEqual OneHot OnesLike Pack Pad PadV2 Placeholder PlaceholderWithDefault PreventGradient
    Pow Prod Range Rank RealDiv Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor ReverseV2 Round Rsqrt ScatterNd Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Size Slice
    Snapshot Softmax Softplus Softsign SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze
    StopGradient StridedSlice Sub Sum Swish Tan Tanh Tile TopK TopKV2 Transpose TruncateDiv Unpack Where Xdivy Xlogy
    ZerosLike
    ReadVariableOp ResourceGather VarHandleOp VarIsInitializedOp AssignVariableOp Variable VariableV2 Assign
    PartitionedCall StatefulPartitionedCall DisableCopyOnRead
    SaveV2 RestoreV2 ShardedFilename MergeV2Checkpoints StringJoin StaticRegexFullMatch""".split()
)
"""Operations of TensorFlow. The last line is the saver that TensorFlow puts into every SavedModel: the variables are
read beside it, and it is never run."""

OPENVINO = frozenset(
    """Parameter Result Constant Const Abs Acos Acosh AdaptiveAvgPool AdaptiveMaxPool Add Asin Asinh Atan Atanh AvgPool
    BatchNormInference BatchToSpace Broadcast Ceiling Clamp Concat Convert ConvertLike Convolution
    ConvolutionBackpropData Cos Cosh CumSum DepthToSpace Divide Einsum Elu Equal Erf Exp Eye FakeConvert FakeQuantize
    Floor FloorMod Gather GatherElements GatherND Gelu Greater GreaterEqual GroupConvolution
    GroupConvolutionBackpropData GroupNormalization HSigmoid HSwish HardSigmoid Identity Interpolate IsFinite IsInf
    IsNaN LRN Less LessEqual Log LogSoftmax LogicalAnd LogicalNot LogicalOr LogicalXor MVN MatMul MaxPool Maximum
    Minimum Mish Mod Multiply Negative NormalizeL2 NotEqual OneHot PRelu Pad Power RMS Range ReLU Relu ReduceL1 ReduceL2
    ReduceLogicalAnd ReduceLogicalOr ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Reshape Reverse Roll Round
    ScaledDotProductAttention ScatterElementsUpdate ScatterNDUpdate ScatterUpdate Select Selu ShapeOf ShuffleChannels
    Sigmoid Sign Sin Sinh Slice SoftMax Softmax SoftPlus SoftSign SpaceToBatch SpaceToDepth Split Sqrt
    SquaredDifference Squeeze StridedSlice Subtract Swish Tan Tanh Tile TopK Transpose Unsqueeze
    VariadicSplit PReLU""".split()
)
"""Operations of a graph that is kept, whatever it was made from."""

TORCH = frozenset(
    """_convolution convolution conv2d conv_transpose2d linear addmm matmul bmm mm baddbmm batch_norm native_batch_norm
    layer_norm native_layer_norm group_norm native_group_norm instance_norm relu relu_ relu6 relu6_ hardtanh hardtanh_
    silu silu_ gelu sigmoid sigmoid_ hardsigmoid hardsigmoid_ hardswish hardswish_ elu elu_ selu selu_ celu leaky_relu
    leaky_relu_ prelu mish mish_ tanh tanh_ softplus softsign softmax log_softmax _softmax exp exp_ log log1p sqrt
    rsqrt reciprocal abs neg floor ceil round sign sin cos erf pow square clamp clamp_ clamp_min clamp_max maximum
    minimum add add_ sub sub_ rsub mul mul_ div div_ true_divide floor_divide floordiv remainder addcmul addcdiv lerp
    where mean sum prod var std var_mean amax amin max min norm linalg_vector_norm cumsum argmax argmin topk sort
    max_pool2d avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool2d adaptive_max_pool2d pad constant_pad_nd
    reflection_pad2d replication_pad2d zero_pad2d upsample_nearest2d upsample_bilinear2d upsample_bicubic2d
    interpolate __interpolate pixel_shuffle pixel_unshuffle channel_shuffle dropout dropout_ feature_dropout
    alpha_dropout view view_as reshape reshape_as flatten unflatten permute transpose transpose_ t contiguous clone
    detach squeeze squeeze_ unsqueeze unsqueeze_ expand expand_as repeat repeat_interleave cat concat stack chunk
    split split_with_sizes unbind narrow select slice index index_select gather roll flip movedim swapaxes einsum
    tensordot dot outer scaled_dot_product_attention _native_multi_head_attention size dim numel len to type_as
    float half double int item Int Float Bool ScalarImplicit IntImplicit FloatImplicit bool is_floating_point
    zeros ones zeros_like ones_like full full_like arange empty new_zeros new_ones tensor scalar_tensor
    eq ne lt le gt ge eq_ ne_ __and__ __or__ __not__ __is__ __isnot__ __contains__ __getitem__ __range_length
    __derive_index logical_and logical_or logical_not append extend list format warn dict items keys values
    NumToTensor TupleConstruct TupleUnpack TupleIndex ListConstruct ListUnpack DictConstruct
    Constant GetAttr SetAttr CallMethod CallFunction If Uninitialized unchecked_cast unchecked_unwrap_optional
    RaiseException data device dtype layout is_cuda requires_grad isinstance annotate Print min max rangelist
    Return Param""".split()
) - {"Print"}
"""Operators of TorchScript, of ``aten`` and ``prim`` alike, by the name that follows the two colons."""
